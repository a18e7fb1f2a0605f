"""The APIs that clients speak, a folder each: its routes, its words for no, its part of the OpenAPI document.

To add a dialect: a folder here with

    routes.py       the endpoints, and a function that makes the `Dialect` (server/web/dialect.py) of them
    errors.py       its refusal: an error of ours as its clients read it, with the statuses that they act upon
    schema.py       the bodies it takes and gives
    openapi.yaml    what it takes and gives, for people and programs; server/openapi/template.py fills it in

and a line in `build_dialects` (server/app.py). An endpoint asks `identify` who is there and
`granted` whether that caller may, gives texts to the translator, and raises errors of `server.errors`. Nothing here
knows engines, ids or models' insides, and no dialect knows another. What several share is in fields.py
(bodies), codes.py (languages) and texts.py (the way to the translator). A path that another dialect has is had as its
`Guest`, whose bodies are told by their fields.

The tests hold the text to the behaviour: add a request of each operation to tests/server/openapi/calls.py, and
test_behaviour.py makes its errors happen, with keys and without.
"""
