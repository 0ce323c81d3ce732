// Placeholder until the first file of Media lands.
