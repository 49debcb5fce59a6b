"""What a draft says of the product itself: system picture, what it can do, controls, posture, assumptions."""
