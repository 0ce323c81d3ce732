import Foundation
import Testing

@testable import Torch

#if os(Linux)
  /// Large blocks are mapped one by one, and some freed ones are kept.
  @Suite struct MemoryTests {
    /// Megabytes of this process's memory.
    private func resident() throws -> Int {
      let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
      let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("RssAnon:") })
      return try #require(Int(line.split(whereSeparator: \.isWhitespace)[1])) / 1024
    }

    @Test func largeBlocksComeAndGo() throws {
      Memory.mapLargeBlocks()
      let count = 1 << 23
      // What was freed is taken again, for as much and for a little less.
      for size in [count, count, count - count / 16] {
        let x = Tensor.ones([size])
        #expect((x * 2 + x).sum().item() == Double(3 * size))
      }
      let small = Tensor.ones([1000])
      #expect(small.sum().item() == 1000)
      // A gigabyte and a half: no more than 128 MB of it are kept. Tests beside this one have memory of their own.
      let isGivenBack = try (0..<4).contains { _ in
        let before = try resident()
        var many: [Tensor]? = (0..<12).map { Tensor.ones([1 << 25]) + Double($0) }
        #expect(many?.map { $0[5].item() } == (0..<12).map { Double($0) + 1 })
        let held = try resident()
        many = nil
        let after = try resident()
        return held > before + 1200 && after < held - 1000
      }
      #expect(isGivenBack)
    }
  }
#endif
