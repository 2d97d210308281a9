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
    Statement = [
      {
        Effect   = "Allow"
        Action   = ["s3:GetObject"]
        Resource = "${aws_s3_bucket.weights.arn}/*"
      },
      {
        Effect   = "Allow"
        Action   = ["s3:ListBucket"]
        Resource = aws_s3_bucket.weights.arn
      },
    ]
  })
}

resource "aws_iam_instance_profile" "gpu" {
  name = "inference-gpu"
  role = aws_iam_role.gpu.name
}

resource "aws_launch_template" "gpu" {
  name_prefix            = "inference-gpu-"
  image_id               = var.ami_id
  instance_type          = "g6.xlarge"
  update_default_version = true

  iam_instance_profile {
    arn = aws_iam_instance_profile.gpu.arn
  }

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  network_interfaces {
    associate_public_ip_address = false
    security_groups             = [aws_security_group.gpu.id]
    subnet_id                   = aws_subnet.private_a.id
  }

  block_device_mappings {
    device_name = "/dev/sda1"

    ebs {
      volume_type = "gp3"
      volume_size = 150
      encrypted   = true
    }
  }
}
