"""The web page at `/`: its files, which need no build, and the routes that serve them."""
