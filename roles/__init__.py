"""What the image can be: one program, its role by the first argument."""
