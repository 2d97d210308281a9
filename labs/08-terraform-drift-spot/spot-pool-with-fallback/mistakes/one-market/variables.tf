variable "launch_template_id" {
  description = "Launch template of the worker: image, disk, role, metadata options."
  type        = string
}

variable "subnet_ids" {
  description = "Private subnets, one for each zone that offers the types below."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "Spot capacity is a market for each zone and type: give at least two zones."
  }
}
