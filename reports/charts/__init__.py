"""Charts as SVG: drawn in process, without a browser, a script or anything fetched."""
