"""Where a bundle's material comes from: a checkpoint of ours, or a model that another toolkit trained.

A reader for each family fills in a `Source`; whatever packs, calibrates and proves knows nothing else.
"""
