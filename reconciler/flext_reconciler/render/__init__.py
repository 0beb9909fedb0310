"""Views: values in, text out. Nothing here reads, writes or decides; the caller chooses the stream."""
