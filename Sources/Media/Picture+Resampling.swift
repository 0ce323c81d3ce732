import Foundation
import Synchronization

extension Picture {
  /// Resampled with Lanczos's filter of three lobes, alpha weighing the colours.
  ///
  /// - Parameter isFilled: true cuts off about the middle what is too long; false keeps all of the picture, which then
  ///   comes out smaller than asked on one side.
  public func resampled(width: Int, height: Int, isFilled: Bool = true) -> Picture {
    precondition(width > 0 && height > 0, "a picture can't be \(width) by \(height)")
    let scale = (x: Double(self.width) / Double(width), y: Double(self.height) / Double(height))
    if isFilled {
      let scale = min(scale.x, scale.y)
      return drawn(width, height, cutWidth: scale * Double(width), cutHeight: scale * Double(height))
    }
    let larger = max(scale.x, scale.y)
    return drawn(
      max(1, Int((Double(self.width) / larger).rounded())), max(1, Int((Double(self.height) / larger).rounded())),
      cutWidth: Double(self.width), cutHeight: Double(self.height))
  }

  /// In the middle of a ground, which is transparent where there is alpha.
  ///
  /// - Parameters: width, height: not less than the picture's own.
  public func centred(width: Int, height: Int, on ground: Ground) -> Picture {
    guard width != self.width || height != self.height else { return self }
    var out = Picture(width: width, height: height, of: ground, channels: channels).bytes
    let row = self.width * channels
    for y in 0..<self.height {
      let start = (((height - self.height) / 2 + y) * width + (width - self.width) / 2) * channels
      out.replaceSubrange(start..<start + row, with: bytes[y * row..<(y + 1) * row])
    }
    return Picture(width: width, height: height, channels: channels, bytes: out)
  }

  /// The middle `cutWidth` by `cutHeight` of the picture as `width` by `height`: rows first, then columns.
  private func drawn(_ width: Int, _ height: Int, cutWidth: Double, cutHeight: Double) -> Picture {
    let isWhole = cutWidth == Double(self.width) && cutHeight == Double(self.height)
    guard width != self.width || height != self.height || !isWhole else { return self }
    let across = Taps.kept(from: self.width, cut: cutWidth, to: width)
    let down = Taps.kept(from: self.height, cut: cutHeight, to: height)
    var row = [SIMD4<Float>](repeating: .zero, count: self.width)
    var rows = [SIMD4<Float>](repeating: .zero, count: self.height * width)
    var out = [UInt8](repeating: 0, count: width * height * channels)
    rows.withUnsafeMutableBufferPointer { rows in
      row.withUnsafeMutableBufferPointer { row in
        for y in down.reach {
          read(row: y, into: row)
          across.apply(row, into: UnsafeMutableBufferPointer(rebasing: rows[y * width..<(y + 1) * width]))
        }
      }
      var line = [SIMD4<Float>](repeating: .zero, count: width)
      line.withUnsafeMutableBufferPointer { line in
        out.withUnsafeMutableBufferPointer { out in
          for y in 0..<height {
            down.apply(rows, at: y, into: line)
            for x in 0..<width { write(line[x], to: out, at: (y * width + x) * channels) }
          }
        }
      }
    }
    return Picture(width: width, height: height, channels: channels, bytes: out)
  }

  /// One row as colours times alpha, and alpha last.
  private func read(row y: Int, into row: UnsafeMutableBufferPointer<SIMD4<Float>>) {
    bytes.withUnsafeBufferPointer { bytes in
      var i = y * width * channels
      for x in 0..<width {
        switch channels {
        case 1: row[x] = SIMD4(Float(bytes[i]), 0, 0, 0)
        case 3: row[x] = SIMD4(Float(bytes[i]), Float(bytes[i + 1]), Float(bytes[i + 2]), 0)
        default:
          let alpha = Float(bytes[i + 3])
          let colour = SIMD4(Float(bytes[i]), Float(bytes[i + 1]), Float(bytes[i + 2]), 255)
          row[x] = colour * (alpha / 255)
        }
        i += channels
      }
    }
  }

  private func write(_ pixel: SIMD4<Float>, to out: UnsafeMutableBufferPointer<UInt8>, at start: Int) {
    var pixel = pixel
    if channels == 4 {
      let alpha = pixel.w
      pixel *= alpha > 0 ? 255 / alpha : 0
      pixel.w = alpha
    }
    // The filter's lobes overshoot at edges.
    let rounded = (pixel + 0.5).clamped(lowerBound: SIMD4(repeating: 0), upperBound: SIMD4(repeating: 255.5))
    for c in 0..<channels { out[start + c] = UInt8(rounded[c]) }
  }
}

/// For each point of a line that comes out, the points that go into it and their weights.
private struct Taps: Sendable {
  private let starts: [Int]
  /// As many as the widest point has, for every point; zero beyond.
  private let weights: [Float]
  private let width: Int
  private let counts: [Int]

  private struct Key: Hashable {
    let count: Int, cut: Double, outCount: Int
  }
  private static let known = Mutex<[Key: Taps]>([:])

  /// Those of before, where pictures of a set are of the same size.
  static func kept(from count: Int, cut: Double, to outCount: Int) -> Taps {
    let key = Key(count: count, cut: cut, outCount: outCount)
    if let taps = known.withLock({ $0[key] }) { return taps }
    let taps = Taps(from: count, cut: cut, to: outCount)
    known.withLock {
      if $0.count >= 32 { $0 = [:] }
      $0[key] = taps
    }
    return taps
  }

  /// - Parameter cut: length of the middle part that is drawn, of `from`.
  private init(from count: Int, cut: Double, to outCount: Int) {
    let scale = cut / Double(outCount)
    let stretch = max(1, scale)  // Making smaller, the filter covers as many points as become one.
    let support = 3 * stretch
    let offset = (Double(count) - cut) / 2
    let width = Int((2 * support).rounded(.up)) + 2
    var (starts, counts): ([Int], [Int]) = ([], [])
    var weights = [Float](repeating: 0, count: outCount * width)
    for i in 0..<outCount {
      let centre = offset + (Double(i) + 0.5) * scale
      let first = max(0, Int((centre - support + 0.5).rounded(.down)))
      let end = min(count, max(first + 1, Int((centre + support + 0.5).rounded(.down))))
      let values = (first..<end).map { Self.lanczos((Double($0) - centre + 0.5) / stretch) }
      let sum = values.reduce(0, +)
      for (k, value) in values.enumerated() { weights[i * width + k] = Float(value / sum) }
      starts.append(first)
      counts.append(end - first)
    }
    (self.starts, self.counts, self.weights, self.width) = (starts, counts, weights, width)
  }

  /// The points that are used at all.
  var reach: Range<Int> { starts[0]..<starts[starts.count - 1] + counts[counts.count - 1] }

  /// All points of a line.
  func apply(_ line: UnsafeMutableBufferPointer<SIMD4<Float>>, into out: UnsafeMutableBufferPointer<SIMD4<Float>>) {
    weights.withUnsafeBufferPointer { weights in
      for (i, (start, count)) in zip(starts, counts).enumerated() {
        var sum = SIMD4<Float>.zero
        for k in 0..<count { sum += line[start + k] * weights[i * width + k] }
        out[i] = sum
      }
    }
  }

  /// The line that comes out at `i`, of lines as long as `out`.
  func apply(
    _ lines: UnsafeMutableBufferPointer<SIMD4<Float>>, at i: Int, into out: UnsafeMutableBufferPointer<SIMD4<Float>>
  ) {
    out.update(repeating: .zero)
    for k in 0..<counts[i] {
      let weight = weights[i * width + k], first = (starts[i] + k) * out.count
      for x in out.indices { out[x] += lines[first + x] * weight }
    }
  }

  /// sinc(x) sinc(x / 3) within three zeros, else 0.
  private static func lanczos(_ x: Double) -> Double {
    guard abs(x) < 3 else { return 0 }
    guard x != 0 else { return 1 }
    let t = Double.pi * x
    return 3 * sin(t) * sin(t / 3) / (t * t)
  }
}
