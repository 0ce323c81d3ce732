// Placeholder until the first file of Workshop lands.
