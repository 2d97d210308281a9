# Made by hand during an incident.
provider "aws" {
  region = "eu-west-1"
}

resource "aws_s3_bucket" "checkpoints" {
  bucket = "northwind-ai-checkpoints"
}
