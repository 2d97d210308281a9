resource "aws_s3_bucket" "weights" {
  bucket = var.weights_bucket
}

# Blank 3: versioning, encryption and a public access block for this bucket.
