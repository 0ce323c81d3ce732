extension Picture {
  /// A line of words in black on white, 3 channels; nil where libvips has no text.
  ///
  /// - Parameter size: the letters' nominal height in pixels.
  public init?(words: String, size: Int) {
    let escaped = words.replacing("&", with: "&amp;").replacing("<", with: "&lt;")
    // 72 dots an inch make a point a pixel; no line of a sheet is wider than 10,000.
    guard let canvas = Canvas(words: escaped, font: "sans \(size)", dpi: 72, width: 10_000), let cover = canvas.pixels
    else { return nil }
    self.init(
      width: canvas.width, height: canvas.height, channels: 3, bytes: cover.flatMap { [255 - $0, 255 - $0, 255 - $0] })
  }
}
