variable "node_role_arn" {
  description = "Role that the nodes take."
  type        = string
}

variable "subnet_ids" {
  description = "Private subnets of the cluster."
  type        = list(string)
}
