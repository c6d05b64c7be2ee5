"""Images as files: decoding, resizing, and folders of them as datasets."""
