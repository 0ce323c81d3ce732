import Foundation
import Models
import Networks
import Testing
import Torch
import Training

@testable import Workshop

/// A family stands in its folder: nothing outside `Models` knows its name.
@Suite struct FamilyTests {
  private static let sources = #filePath.components(separatedBy: "/Tests/")[0] + "/Sources"

  private static func lines(of targets: [String]) throws -> [(place: String, line: Substring)] {
    try targets.flatMap { target in
      let folder = "\(sources)/\(target)"
      return try FileManager.default.subpathsOfDirectory(atPath: folder).filter { $0.hasSuffix(".swift") }
        .flatMap { file in
          try String(contentsOfFile: "\(folder)/\(file)", encoding: .utf8).split(separator: "\n")
            .map { (place: "\(target)/\(file)", line: $0) }
        }
    }
  }

  @Test func noFamilyIsNamedOutsideItsFolder() throws {
    let types = recipes.map { String(describing: $0) }
    // Names that are also a verb's, a bundled model's or an everyday word say nothing by themselves.
    let everyday: Set = [
      "dense", "cut", "motion", "inbetween", "enlarge", "instant", "brush", "projected", "diffusion",
      "words",
    ]
    let names = recipes.map { $0.name }.filter { !everyday.contains($0) }
    #expect(names.count > 8)
    for (place, line) in try Self.lines(of: ["Training", "Workshop", "Commands", "atelier"]) {
      let code = line.drop { $0 == " " }
      guard !code.hasPrefix("//") else { continue }
      let words = Set(code.split { !$0.isLetter && !$0.isNumber && $0 != "_" }.map(String.init))
      for type in types { #expect(!words.contains(type), "\(place): \(code)") }
      for name in names { #expect(!words.contains(name), "\(place): \(code)") }
      for name in everyday {
        #expect(!code.contains("recipe == \"\(name)\"") && !code.contains("recipe: \"\(name)\""), "\(place): \(code)")
      }
    }
  }

  /// Opening a model builds its own networks, and nothing that trains: counted by its numbers, and looked for.
  @Test(arguments: ["emoji", "portraits", "emoji-vae", "emoji-diffusion", "instant", "inbetween", "motion"])
  func aModelIsOpenedAlone(_ name: String) throws {
    let studio = try Studio()
    let generator = try Generator(name, in: studio.workspace)
    let file = try Safetensors.read(generator.path).tensors
    let counted = generator.model.parts.values.reduce(0) { $0 + $1.savedTensors.values.reduce(0) { $0 + $1.count } }
    #expect(counted == file.values.reduce(0) { $0 + $1.count })
    // What it holds, however deep.
    var seen = Set<ObjectIdentifier>(), held: [Any] = []
    func walk(_ value: Any, _ depth: Int) {
      if type(of: value) is AnyClass, !seen.insert(ObjectIdentifier(value as AnyObject)).inserted { return }
      held.append(value)
      if depth < 12, !(value is Tensor) {
        for child in Mirror(reflecting: value).children { walk(child.value, depth + 1) }
      }
    }
    walk(generator.model, 0)
    let networks = held.compactMap { $0 as? any Module }
    #expect(!networks.isEmpty)
    #expect(!held.contains { $0 is any Optimizer })
    #expect(!networks.contains { String(describing: type(of: $0)).contains("Discriminator") })
  }

  /// Until it is used, a network of any size takes no memory.
  @Test func anUnreadNetworkTakesNoMemory() throws {
    // 40 GB of numbers.
    let layer = Linear(100_000, 100_000)
    #expect(layer.weight.isExpanded && layer.parameterCount == 10_000_100_000)
    let lazy = LazyModule(Linear(3, 2), on: .cpu)
    #expect(throws: StateError.self) { try lazy.restore(["weight": Tensor.zeros([2, 4]), "bias": Tensor.zeros([2])]) }
    let half = ["weight": Tensor.ones([2, 3]).to(.float16), "bias": Tensor.zeros([2]).to(.float16)]
    try lazy.restore(half)
    #expect(lazy.module(Tensor.ones([1, 3])).isEqual(to: Tensor.full([1, 2], 3)))
  }
}
