import Media
import Models
import Torch

/// What lies around a painting in its picture: a gallery frame, a passe-partout, the border of a scan.
///
/// It is searched for in the picture at `side` pixels, layer by layer from the edge. A layer is taken away only when it is
/// found on all four sides, so that a painting without a frame stays whole; frames that are like the painting's own edge
/// stay, too.
struct PaintingFrame: Equatable {
  /// Pixels from each edge of the picture.
  var top = 0, bottom = 0, left = 0, right = 0

  /// The longer side at which a picture is looked at, in pixels.
  private static let side = 256

  /// - Returns: nil where there is none.
  init?(around picture: Picture) {
    guard min(picture.width, picture.height) >= 64 else { return nil }
    let scale = min(1, Double(Self.side) / Double(max(picture.width, picture.height)))
    let sides = [picture.width, picture.height].map { max(1, Int((Double($0) * scale).rounded())) }
    let seen = Colours(scale < 1 ? picture.resampled(width: sides[0], height: sides[1]) : picture)
    var inside = Inside(top: 0, bottom: seen.height, left: 0, right: seen.width)
    while let layer = seen.moulding(inside) ?? seen.border(inside) {
      inside.top += layer[0]
      inside.bottom -= layer[1]
      inside.left += layer[2]
      inside.right -= layer[3]
      // What is left of so wide a frame would hardly be the painting.
      guard Double(inside.height) > 0.4 * Double(seen.height), Double(inside.width) > 0.4 * Double(seen.width) else {
        return nil
      }
    }
    guard inside.height < seen.height else { return nil }
    // A pixel more, in which the frame's edge and the painting's are mixed.
    func whole(_ length: Int) -> Int { Int((Double(length) / scale + 1).rounded(.up)) }
    top = whole(inside.top)
    bottom = whole(seen.height - inside.bottom)
    left = whole(inside.left)
    right = whole(seen.width - inside.right)
  }

  func cutOff(_ picture: Picture) -> Picture {
    picture.cut(x: left, y: top, width: picture.width - left - right, height: picture.height - top - bottom)
  }
}

/// Of a picture, what lies inside the layers that were taken away: half-open, in pixels.
private struct Inside {
  var top: Int, bottom: Int, left: Int, right: Int
  var height: Int { bottom - top }
  var width: Int { right - left }
}

/// A picture's colours, read line by line from any of its edges.
private struct Colours {
  let width: Int, height: Int
  private let pixels: [SIMD3<Float>]

  init(_ picture: Picture) {
    let flat = picture.withChannels(3)
    (width, height) = (flat.width, flat.height)
    pixels = (0..<flat.width * flat.height).map {
      SIMD3(Float(flat.bytes[3 * $0]), Float(flat.bytes[3 * $0 + 1]), Float(flat.bytes[3 * $0 + 2]))
    }
  }

  /// The line so many pixels from an edge (0 top, 1 bottom, 2 left, 3 right), without `trimmed` pixels at its ends.
  func line(_ depth: Int, from edge: Int, in inside: Inside, trimmed: Int = 0) -> [SIMD3<Float>] {
    if edge < 2 {
      let y = edge == 0 ? inside.top + depth : inside.bottom - 1 - depth
      return (inside.left + trimmed..<inside.right - trimmed).map { pixels[y * width + $0] }
    }
    let x = edge == 2 ? inside.left + depth : inside.right - 1 - depth
    return (inside.top + trimmed..<inside.bottom - trimmed).map { pixels[$0 * width + x] }
  }

  /// A border of one colour: how wide it is at each edge. The picture inside must begin at all of each edge, unlike a thing
  /// drawn on a plain ground.
  func border(_ inside: Inside) -> [Int]? {
    let most = 3 * min(inside.width, inside.height) / 10
    let colours = (0..<4).map { median(line(0, from: $0, in: inside)) }
    guard colours.allSatisfy({ difference($0, colours[0]) <= 24 }) else { return nil }
    let widths = (0..<4).map { edge in
      (0..<most).first { depth in
        share(line(depth, from: edge, in: inside)) { difference($0, colours[edge]) <= 20 } < 0.97
      } ?? most
    }
    guard widths.min()! > 0, widths.max()! < most else { return nil }
    let rest = Inside(
      top: inside.top + widths[0], bottom: inside.bottom - widths[1], left: inside.left + widths[2],
      right: inside.right - widths[3])
    for edge in 0..<4 {
      let first = (0..<3).map { line($0, from: edge, in: rest) }
      let other = first[0].indices.filter { i in first.contains { difference($0[i], colours[edge]) > 20 } }
      if Double(other.count) < 0.8 * Double(first[0].count) { return nil }
    }
    return widths
  }

  /// A band whose colours change across it but hardly along it, with a sharp edge inside, about as wide on all sides.
  func moulding(_ inside: Inside) -> [Int]? {
    let shorter = min(inside.width, inside.height)
    let (least, most) = (max(2, 15 * shorter / 1000), shorter / 4)
    guard most > least + 3 else { return nil }
    let steadiest = max(10, 0.4 * spread(of: inside))
    let found = (0..<4).map { edge in bands(inside, edge, least..<most, steadiest: steadiest) }
    var best: (sharpness: Float, widths: [Int])?
    for width in least..<most {
      let near = max(least, 3 * width / 4)..<min(most, 4 * width / 3 + 1)
      let widths = found.map { bands in
        near.max { a, b in
          bands[a - least].sharpness - Float(abs(a - width)) / 60 < bands[b - least].sharpness - Float(abs(b - width))
            / 60
        }!
      }
      let sharp = zip(found, widths).map { $0[$1 - least].sharpness }
      let sum = sharp.reduce(0, +)
      guard sharp.min()! >= 0.6, sum >= 4 * 0.78 else { continue }
      // Of those that are about as sharp, the innermost.
      if sum >= (best?.sharpness ?? 0) - 0.02 { best = (max(sum, best?.sharpness ?? 0), widths) }
    }
    guard let best else { return nil }
    let means = zip(found, best.widths).map { $0[$1 - least].mean }
    // One side may be in shade, and no more.
    let isOne = means.allSatisfy { a in means.allSatisfy { difference(a, $0) <= 60 } }
    return isOne ? best.widths : nil
  }

  /// One edge's bands by their widths: how much of the inner edge is sharp, 0...1 (0 where colours change along the band),
  /// and the mean colour.
  private func bands(
    _ inside: Inside, _ edge: Int, _ widths: Range<Int>, steadiest: Float
  ) -> [(sharpness: Float, mean: SIMD3<Float>)] {
    // Along the part of each line that no other edge's band reaches.
    let trimmed = widths.upperBound
    var (rest, mean) = (Float(0), SIMD3<Float>())
    var depths: [(rest: Float, mean: SIMD3<Float>)] = [(0, mean)]
    for depth in 0..<widths.upperBound {
      let line = line(depth, from: edge, in: inside, trimmed: trimmed)
      let middle = median(line)
      let squares = line.reduce(Float(0)) { $0 + (($1 - middle) * ($1 - middle)).sum() }
      rest += (squares / Float(3 * max(1, line.count))).squareRoot()
      mean += middle
      depths.append((rest / Float(depth + 1), mean / Float(depth + 1)))
    }
    return widths.map { width in
      let (rest, mean) = depths[width - 1]
      guard rest <= steadiest else { return (0, mean) }
      let outer = line(width - 2, from: edge, in: inside, trimmed: width)
      let inner = line(width + 1, from: edge, in: inside, trimmed: width)
      let jumps = zip(outer, inner).filter { difference($0, $1) > 24 }
      return (Float(jumps.count) / Float(max(1, outer.count)), mean)
    }
  }

  /// The greatest standard deviation of a channel in the middle quarter.
  private func spread(of inside: Inside) -> Float {
    var (sum, squares, count) = (SIMD3<Float>(), SIMD3<Float>(), Float(0))
    for y in inside.top + inside.height / 4..<inside.bottom - inside.height / 4 {
      for x in inside.left + inside.width / 4..<inside.right - inside.width / 4 {
        let pixel = pixels[y * width + x]
        sum += pixel
        squares += pixel * pixel
        count += 1
      }
    }
    let variance = squares / count - (sum / count) * (sum / count)
    return max(0, variance.max()).squareRoot()
  }
}

/// The largest difference of a channel, 0...255.
private func difference(_ a: SIMD3<Float>, _ b: SIMD3<Float>) -> Float {
  let apart = a - b
  return max(abs(apart.x), abs(apart.y), abs(apart.z))
}

private func share(_ line: [SIMD3<Float>], where isSo: (SIMD3<Float>) -> Bool) -> Double {
  Double(line.filter(isSo).count) / Double(max(1, line.count))
}

/// Of each channel.
private func median(_ line: [SIMD3<Float>]) -> SIMD3<Float> {
  guard !line.isEmpty else { return SIMD3() }
  func middle(_ channel: Int) -> Float { line.map { $0[channel] }.sorted()[line.count / 2] }
  return SIMD3(middle(0), middle(1), middle(2))
}
