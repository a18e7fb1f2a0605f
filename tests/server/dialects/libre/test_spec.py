"""The dialect's own OpenAPI document."""

from pathlib import Path

from server.dialects.libre.routes import build_libre_dialect
from server.storage.database import Database
from server.storage.file_store import FileStore
from tests.server.dialects.libre.conftest import translate
from tests.server.test_app import Site


def test_the_spec_is_of_these_endpoints_and_limits(site: Site, tmp_path: Path) -> None:
    spec = site.ask("GET", "/spec").json()
    described = {(path, method.upper()) for path, item in spec["paths"].items() for method in item}
    served = {
        (route.path, method)
        for route in build_libre_dialect(FileStore(Database(tmp_path))).routes
        for method in (route.methods or ()) - {"OPTIONS", "HEAD"}
    }
    assert described == served
    content = spec["paths"]["/translate"]["post"]["requestBody"]["content"]
    assert set(content) == {"application/json", "application/x-www-form-urlencoded", "multipart/form-data"}
    fields = content["application/json"]["schema"]["properties"]
    assert set(fields) == {"q", "source", "target", "format", "alternatives", "translate_attributes", "api_key"}
    assert translate(site, alternatives=fields["alternatives"]["maximum"]).status_code == 200
    assert translate(site, alternatives=fields["alternatives"]["maximum"] + 1).status_code == 400
    assert fields["q"]["oneOf"][0]["maxLength"] == 500
