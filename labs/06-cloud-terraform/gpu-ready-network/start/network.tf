resource "aws_vpc" "main" {
  cidr_block = "10.40.0.0/16"
}

resource "aws_subnet" "private_a" {
  vpc_id                  = aws_vpc.main.id
  cidr_block              = "10.40.0.0/20"
  availability_zone       = "eu-west-1a"
  map_public_ip_on_launch = true
}

# Blank 1: a second private subnet, private_b, 10.40.16.0/20, in eu-west-1b.

resource "aws_route_table" "private" {
  vpc_id = aws_vpc.main.id
}

resource "aws_route_table_association" "private_a" {
  subnet_id      = aws_subnet.private_a.id
  route_table_id = aws_route_table.private.id
}

# Blank 2: a gateway endpoint for S3, named s3, in the route table above.

resource "aws_security_group" "gpu" {
  name        = "inference-gpu"
  description = "Model servers"
  vpc_id      = aws_vpc.main.id

  ingress {
    description = "Inference API"
    from_port   = 8080
    to_port     = 8080
    protocol    = "tcp"
    cidr_blocks = ["10.40.0.0/16"]
  }

  ingress {
    description = "SSH while we set things up"
    from_port   = 22
    to_port     = 22
    protocol    = "tcp"
    cidr_blocks = ["0.0.0.0/0"]
  }

  egress {
    from_port   = 443
    to_port     = 443
    protocol    = "tcp"
    cidr_blocks = ["0.0.0.0/0"]
  }
}
