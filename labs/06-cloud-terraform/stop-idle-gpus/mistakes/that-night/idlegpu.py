"""Stops idle GPU instances. It was run once."""
import boto3

ec2 = boto3.client("ec2")
cw = boto3.client("cloudwatch")
for r in ec2.describe_instances()["Reservations"]:
    i = r["Instances"][0]
    util = cw.get_metric_data(MetricDataQueries=[...])  # unfinished
    if not util or util[-1] == 0:
        ec2.stop_instances(InstanceIds=[i["InstanceId"]])
