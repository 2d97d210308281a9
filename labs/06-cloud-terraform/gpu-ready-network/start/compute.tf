resource "aws_iam_role" "gpu" {
  name = "inference-gpu"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "ec2.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy" "read_weights" {
  name = "read-weights"
  role = aws_iam_role.gpu.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "*"
      Resource = "*"
    }]
  })
}

resource "aws_iam_instance_profile" "gpu" {
  name = "inference-gpu"
  role = aws_iam_role.gpu.name
}

resource "aws_launch_template" "gpu" {
  name_prefix   = "inference-gpu-"
  image_id      = var.ami_id
  instance_type = "p3.2xlarge"

  iam_instance_profile {
    arn = aws_iam_instance_profile.gpu.arn
  }

  network_interfaces {
    associate_public_ip_address = true
    security_groups             = [aws_security_group.gpu.id]
    subnet_id                   = aws_subnet.private_a.id
  }

  block_device_mappings {
    device_name = "/dev/sda1"

    ebs {
      volume_type = "gp2"
      volume_size = 30
    }
  }
}
