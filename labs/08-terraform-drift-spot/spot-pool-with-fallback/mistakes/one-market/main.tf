resource "aws_autoscaling_group" "batch" {
  name                      = "batch-inference"
  min_size                  = 0
  max_size                  = 6
  vpc_zone_identifier       = var.subnet_ids
  capacity_rebalance        = true
  default_instance_warmup   = 300
  health_check_grace_period = 300

  mixed_instances_policy {
    instances_distribution {
      on_demand_base_capacity                  = 1
      on_demand_percentage_above_base_capacity = 0
      on_demand_allocation_strategy            = "prioritized"
      spot_allocation_strategy                 = "lowest-price"
    }

    launch_template {
      launch_template_specification {
        launch_template_id = var.launch_template_id
        version            = "$Latest"
      }

      override {
        instance_type = "p4d.24xlarge"
      }
    }
  }

  tag {
    key                 = "Name"
    value               = "batch-inference"
    propagate_at_launch = true
  }
}

# The worker gets the time to write its checkpoint and give its job back before the instance goes.
resource "aws_autoscaling_lifecycle_hook" "drain" {
  name                   = "drain"
  autoscaling_group_name = aws_autoscaling_group.batch.name
  lifecycle_transition   = "autoscaling:EC2_INSTANCE_TERMINATING"
  heartbeat_timeout      = 120
  default_result         = "CONTINUE"
}

resource "aws_cloudwatch_event_rule" "interruption" {
  name        = "batch-spot-interruption"
  description = "Two minutes' warning before a spot instance is taken back."

  event_pattern = jsonencode({
    source        = ["aws.ec2"]
    "detail-type" = ["EC2 Spot Instance Interruption Warning", "EC2 Instance Rebalance Recommendation"]
  })
}

resource "aws_cloudwatch_event_target" "interruption" {
  rule = aws_cloudwatch_event_rule.interruption.name
  arn  = aws_sqs_queue.interruptions.arn
}

resource "aws_sqs_queue" "interruptions" {
  name                      = "batch-spot-interruptions"
  message_retention_seconds = 300
  sqs_managed_sse_enabled   = true
}

resource "aws_sqs_queue_policy" "interruptions" {
  queue_url = aws_sqs_queue.interruptions.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "events.amazonaws.com" }
      Action    = "sqs:SendMessage"
      Resource  = aws_sqs_queue.interruptions.arn
      Condition = { ArnEquals = { "aws:SourceArn" = aws_cloudwatch_event_rule.interruption.arn } }
    }]
  })
}
