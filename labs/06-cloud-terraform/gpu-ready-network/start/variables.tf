variable "ami_id" {
  default = "ami-0b3c61f7d2a9e8450"
}

variable "weights_bucket" {
  default = "northwind-ai-weights"
}
