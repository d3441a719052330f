"""Training of the entity linker on text whose words somebody has tagged with entities."""
