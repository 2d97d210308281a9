output "node_group_name" {
  description = "Name of the node group, as `aws eks describe-nodegroup` takes it."
  value       = aws_eks_node_group.this.node_group_name
}

output "autoscaling_group_names" {
  description = "Auto Scaling groups behind the pool, for alarms and tags."
  value       = flatten(aws_eks_node_group.this.resources[*].autoscaling_groups[*].name)
}
