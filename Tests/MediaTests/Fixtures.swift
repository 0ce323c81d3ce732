import Foundation
import Media
import TestSupport
import Testing

/// The pictures of Tests/Fixtures.
enum Fixtures {
  static let folder = Checkout.path("Tests/Fixtures")
  static func path(_ name: String) -> String { "\(folder)/\(name)" }

  struct Facts: Decodable {
    let width: Int
    let height: Int
    /// Mean colours on white, clockwise from the top left.
    let quarters: [[Double]]
    let sha256: String?
  }
  static let facts: [String: Facts] = {
    let data = try! Data(contentsOf: URL(filePath: path("facts.json")))
    return try! JSONDecoder().decode([String: Facts].self, from: data)
  }()
}

extension Picture {
  /// Mean colours, clockwise from the top left.
  var quarters: [[Double]] {
    let (w, h) = (width / 2, height / 2)
    return [(0..<w, 0..<h), (w..<width, 0..<h), (w..<width, h..<height), (0..<w, h..<height)].map { xs, ys in
      (0..<3).map { c in
        var sum = 0
        for y in ys { for x in xs { sum += Int(self[x, y].dropFirst(channels == 1 ? 0 : c).first!) } }
        return Double(sum) / Double(max(1, xs.count * ys.count))
      }
    }
  }
}
