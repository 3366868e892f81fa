"""What judges that know nothing of Pulumi look at: the stacks as Terraform JSON and as manifests."""
