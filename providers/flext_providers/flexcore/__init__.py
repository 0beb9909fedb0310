"""The adapter for FlexCore: plugins, deployed and removed but never changed."""
