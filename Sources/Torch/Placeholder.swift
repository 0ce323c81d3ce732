// Placeholder until the first file of Torch lands.
