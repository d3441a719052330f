"""What a person looks at: pictures of answers and of the evidence that carried them."""
