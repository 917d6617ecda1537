"""What training and prediction cost, beside the study's recipe and Hugging Face: `make bench`."""
