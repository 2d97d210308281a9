variable "name" {
  description = "Name of the pool; prefix of everything the module creates."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,29}$", var.name))
    error_message = "A pool's name has 3 to 30 lower-case letters, digits and dashes and begins with a letter."
  }
}

variable "cluster_name" {
  description = "Name of the EKS cluster that the pool joins."
  type        = string
}

variable "node_role_arn" {
  description = "ARN of the role that the nodes take."
  type        = string
}

variable "subnet_ids" {
  description = "Private subnets, in at least two zones."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "Give at least two subnets: GPU capacity runs out zone by zone."
  }
}

variable "instance_types" {
  description = "GPU instance types of one shape, the preferred one first."
  type        = list(string)
  default     = ["g6.xlarge"]

  validation {
    condition     = alltrue([for t in var.instance_types : can(regex("^(g5|g6|g6e|p4d|p4de|p5|p5e|p5en)\\.", t))])
    error_message = "Only GPU families of NVIDIA are allowed: g5, g6, g6e, p4d, p4de, p5, p5e, p5en."
  }
}

variable "min_size" {
  description = "Nodes that always run. 0 lets an idle pool cost nothing."
  type        = number
  default     = 0
}

variable "max_size" {
  description = "Most nodes that the autoscaler may ask for."
  type        = number
  default     = 4

  validation {
    condition     = var.max_size >= 1 && var.max_size <= 16 && var.max_size >= var.min_size
    error_message = "max_size lies between 1 and 16 and is not below min_size. More needs a quota and a conversation."
  }
}

variable "volume_gib" {
  description = "Root volume of a node, for images and weights."
  type        = number
  default     = 200

  validation {
    condition     = var.volume_gib >= 100
    error_message = "A CUDA image and one model need at least 100 GiB."
  }
}
