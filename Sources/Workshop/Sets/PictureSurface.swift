import Media

/// How a picture is drawn, as far as enlarging and training go: by simple measures of its pixels, without a network.
///
/// The commonest colour, where it covers much, is taken for a ground and left out, as is what is transparent. Of large
/// pictures 16 squares of 64 px are looked at.
struct PictureSurface {
  enum Kind: String { case drawing, photograph }

  /// Different colours over pixels, 0...1.
  let colours: Double
  /// Neighbours that differ by 2 to 12 of 255, over all neighbours, 0...1: grain and shading.
  let shading: Double

  /// Without a hue all over, a photograph has few colours, too.
  let isGrey: Bool

  /// Whether a ground of one colour was left out.
  let hasGround: Bool

  /// Calibrated in docs/experiments/translation.md.
  var kind: Kind {
    let isFlat = shading < 0.08
    let hasFewColours = !isGrey && (colours < 0.035 && shading < 0.2 || colours < 0.025 && shading < 0.4)
    return isFlat || hasFewColours ? .drawing : .photograph
  }

  private static let side = 64, across = 4, wholeUpTo = 98_304

  /// - Returns: nil where there is hardly a pixel to judge by.
  init?(_ picture: Picture) {
    let (width, height) = (picture.width, picture.height)
    let squares: [(x: Int, y: Int, width: Int, height: Int)]
    if width * height <= Self.wholeUpTo {
      squares = [(0, 0, width, height)]
    } else {
      let (w, h) = (min(Self.side, width), min(Self.side, height))
      let steps = (0..<Self.across).map { Double($0) / Double(Self.across - 1) }
      squares = steps.flatMap { v in
        steps.map { u in (Int(u * Double(width - w)), Int(v * Double(height - h)), w, h) }
      }
    }
    func pixel(_ x: Int, _ y: Int) -> (red: Int, green: Int, blue: Int, isSeen: Bool) {
      let start = (y * width + x) * picture.channels
      let value = { (channel: Int) in Int(picture.bytes[start + (picture.channels == 1 ? 0 : channel)]) }
      return (value(0), value(1), value(2), picture.channels < 4 || picture.bytes[start + 3] > 0)
    }
    func cell(_ p: (red: Int, green: Int, blue: Int, isSeen: Bool)) -> Int {
      (p.red / 8) << 10 | (p.green / 8) << 5 | p.blue / 8
    }
    var cells: [Int: Int] = [:], seen = 0
    for square in squares {
      for y in square.y..<square.y + square.height {
        for x in square.x..<square.x + square.width {
          let p = pixel(x, y)
          guard p.isSeen else { continue }
          cells[cell(p), default: 0] += 1
          seen += 1
        }
      }
    }
    let ground = cells.max { ($0.value, $0.key) < ($1.value, $1.key) }.flatMap {
      Double($0.value) > 0.15 * Double(seen) ? $0.key : nil
    }
    var different: Set<Int> = []
    var (count, pairs, shaded) = (0, 0, 0)
    for square in squares {
      for y in square.y..<square.y + square.height {
        for x in square.x..<square.x + square.width {
          let p = pixel(x, y)
          guard p.isSeen, cell(p) != ground else { continue }
          count += 1
          different.insert(p.red << 16 | p.green << 8 | p.blue)
          for (nx, ny) in [(x + 1, y), (x, y + 1)] where nx < square.x + square.width && ny < square.y + square.height {
            let other = pixel(nx, ny)
            guard other.isSeen, cell(other) != ground else { continue }
            let step = max(abs(p.red - other.red), abs(p.green - other.green), abs(p.blue - other.blue))
            pairs += 1
            shaded += (2...12).contains(step) ? 1 : 0
          }
        }
      }
    }
    guard count >= 16, pairs > 0 else { return nil }
    hasGround = ground != nil
    colours = Double(different.count) / Double(count)
    isGrey = different.allSatisfy { $0 >> 16 == $0 & 255 && $0 >> 8 & 255 == $0 & 255 }
    shading = Double(shaded) / Double(pairs)
  }

  /// Pictures that tell of a set, from all over it.
  private static let sample = 24

  /// Whether most of some pictures are drawn: flat parts, few colours.
  ///
  /// - Throws: `ArchiveError`.
  static func areDrawn(_ gallery: Gallery) throws -> Bool {
    let count = min(sample, gallery.count)
    var (drawn, all) = (0, 0)
    try gallery.keeping((0..<count).map { $0 * gallery.count / count }).forEach { _, name, bytes in
      // What is damaged is told of when it is packed.
      let picture = (try? bytes.get()).flatMap { try? Picture.decode($0, named: name, Decoding(channels: nil)) }
      return picture.flatMap { PictureSurface($0)?.kind }
    } collect: { _, kind in
      guard let kind else { return }
      all += 1
      drawn += kind == .drawing ? 1 : 0
    }
    return 2 * drawn > all
  }

  /// What most pictures of a generator are, whose drawings have grain in what was flat: on a plain ground they are drawings,
  /// too, and so they are when it is even.
  static func kind(ofGenerated pictures: [Picture]) -> Kind {
    let found = pictures.compactMap { PictureSurface($0) }
    let photographs = found.filter { $0.kind == .photograph && !$0.hasGround }
    return 2 * photographs.count > found.count ? .photograph : .drawing
  }
}

extension PictureSurface.Kind {
  /// What such pictures look like, in a sentence about why a network was chosen.
  var words: String {
    switch self {
    case .drawing: "drawn (flat parts, few colours)"
    case .photograph: "photographed or painted (shading, many colours)"
    }
  }
}
