variable "ami_id" {}

variable "weights_bucket" {}
