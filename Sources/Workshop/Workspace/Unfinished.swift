import Foundation
import Media
import Torch

/// A restyling that isn't done: a file beside the new one, named after what was asked for.
struct Unfinished {
  private let path: String
  private let isResumed: Bool

  /// - Throws: `RestyleError.unfinished` when such work is there and nobody says what to do with it, `nothingToResume`.
  init(_ request: RestyleRequest) throws {
    // Other pictures or settings are other work, and don't touch this one's file.
    var words = [request.settings.json, request.network, request.colours.rawValue, "\(request.weights)"]
    var files = [request.content] + request.styles + request.masks
    if let start = request.start {
      words.append(start)
      if start != "instant" { files.append(start) }
    }
    for file in files { words.append(try Digest.sha256(file: file)) }
    let key = Digest.sha256(Array(words.joined(separator: "\n").utf8)).prefix(8)
    path = "\(request.out).\(key).unfinished"
    isResumed = request.resume
    let isThere = access(path, F_OK) == 0
    if request.resume && !isThere { throw RestyleError.nothingToResume(request.out) }
    if isThere && !request.resume && !request.force { throw RestyleError.unfinished(request.out) }
  }

  /// - Throws: `SafetensorsError` when the file is damaged.
  func read() throws -> [String: Tensor]? { isResumed ? try Safetensors.read(path).tensors : nil }

  func write(_ saved: [String: Tensor]) throws { try Safetensors.write(saved, to: path) }

  func remove() { unlink(path) }
}
