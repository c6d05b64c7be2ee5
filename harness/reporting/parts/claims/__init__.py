"""Parts of the page of claims."""
