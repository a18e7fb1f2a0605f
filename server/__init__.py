"""The serving room: loads a bundle and answers translation requests. It never imports torch, onnx or another room."""
