"""One module for each page: a declared value that the template shows, and the handler that makes it from a view."""
