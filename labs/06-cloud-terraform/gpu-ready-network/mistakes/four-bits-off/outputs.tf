output "launch_template_id" {
  description = "Template that every GPU instance of the estate starts from."
  value       = aws_launch_template.gpu.id
}

output "private_subnet_ids" {
  description = "Subnets without a route to the internet, one for each zone."
  value       = [aws_subnet.private_a.id, aws_subnet.private_b.id]
}
