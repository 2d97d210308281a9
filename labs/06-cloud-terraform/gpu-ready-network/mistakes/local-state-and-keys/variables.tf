variable "region" {
  description = "AWS region of the estate."
  type        = string
  default     = "eu-west-1"
}

variable "ami_id" {
  description = "A GPU image with the NVIDIA driver installed, for this region."
  type        = string
  default     = "ami-0b3c61f7d2a9e8450"

  validation {
    condition     = startswith(var.ami_id, "ami-")
    error_message = "An AMI id begins with ami-."
  }
}

variable "weights_bucket" {
  description = "Globally unique name of the bucket that holds the model weights."
  type        = string
  default     = "northwind-ai-weights"
}
