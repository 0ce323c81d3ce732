import Foundation
import Synchronization
import Torch

/// The small models of Tests/Goldens/large/models.py on the disk, as diffusers' folders and as single files.
public struct SmallModels {
  public let folder = TemporaryFolder()
  nonisolated(unsafe) private static let files =
    try! JSONSerialization.jsonObject(
      with: Data(contentsOf: URL(fileURLWithPath: Checkout.path("Tests/Goldens/large/files.json")))) as! [String: Any]
  private static let shapes: [String: [String: [Int]]] = {
    let names = try! Checkout.golden("large/networks").metadata["names"]!
    return try! JSONDecoder().decode([String: [String: [Int]]].self, from: Data(names.utf8))
  }()

  public init() {}

  /// Weights of a network by diffusers' names, drawn once for all tests.
  public static func weights(_ network: String) -> [String: Tensor] {
    if let drawn = drawn.withLock({ $0[network] }) { return drawn.tensors }
    let new = Drawn(tensors: weights(network, shapes[network]!))
    drawn.withLock { $0[network] = new }
    return new.tensors
  }

  private struct Drawn: @unchecked Sendable { let tensors: [String: Tensor] }
  private static let drawn = Mutex<[String: Drawn]>([:])

  /// All weights of a network, by name.
  public static func weights(_ prefix: String, _ shapes: [String: [Int]]) -> [String: Tensor] {
    Dictionary(uniqueKeysWithValues: shapes.map { ($0.key, drawn("\(prefix)/\($0.key)", $0.value)) })
  }

  /// The weight that Tests/Goldens/large/models.py draws under that name, to the bit.
  public static func drawn(_ name: String, _ shape: [Int]) -> Tensor {
    var generator = Noise(seed: UInt64(crc32(name)))
    let noise = generator.normal(shape)
    if shape.count < 2 { return name.contains("norm") && name.hasSuffix("weight") ? noise * 0.1 + 1 : noise * 0.05 }
    return noise * (0.8 / (Double(noise.count) / Double(shape[0])).squareRoot())
  }

  /// - Parameters:
  ///   - unet: "unet", "inpaint" or "lcm".
  ///   - change: what else is done to the folder's files before they are written.
  public func folder(
    _ kind: String, unet: String = "unet", dtype: DType = .float32, variant: String = "", scheduler: [String: Any] = [:]
  ) throws -> String {
    let path = folder.path("\(kind)-\(unet)\(variant)\(scheduler.isEmpty ? "" : "-\(UUID().uuidString)")")
    if FileManager.default.fileExists(atPath: path) { return path }
    let key = "\(kind)-\(unet)-\(dtype)\(variant)"
    try Self.written.withLock { written in
      if !written.contains(key) { try write(kind, unet, dtype, variant, "\(Self.store)/\(key)") }
      written.insert(key)
    }
    try FileManager.default.copyItem(atPath: "\(Self.store)/\(key)", toPath: path)
    if !scheduler.isEmpty {
      let file = "\(path)/scheduler/scheduler_config.json"
      let own = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: file))) as! [String: Any]
      try json(own.merging(scheduler) { $1 }, file)
    }
    return path
  }

  /// Each is written once for all tests, which copy it.
  private static let written = Mutex<Set<String>>([])
  private static let store = try! sharedFolder("atelier-small-models")

  private func write(_ kind: String, _ unet: String, _ dtype: DType, _ variant: String, _ path: String) throws {
    let configs = (Self.files[kind] as! [String: Any])["configs"] as! [String: [String: Any]]
    func write(_ name: String, _ weights: [String: Tensor], _ file: String, _ other: [String: Any] = [:]) throws {
      try FileManager.default.createDirectory(atPath: "\(path)/\(name)", withIntermediateDirectories: true)
      try json(configs[name]!.merging(other) { $1 }, "\(path)/\(name)/config.json")
      try Safetensors.write(weights.mapValues { $0.to(dtype) }, to: "\(path)/\(name)/\(file)\(variant).safetensors")
    }
    let special: [String: [String: Any]] = ["inpaint": ["in_channels": 9], "lcm": ["time_cond_proj_dim": 32]]
    try write("unet", Self.weights("\(kind)/\(unet)"), "diffusion_pytorch_model", special[unet] ?? [:])
    try write("vae", Self.weights(kind == "sd2" ? "sd1/vae" : "\(kind)/vae").renamed(kind), "diffusion_pytorch_model")
    for (suffix, pad) in kind == "xl"
      ? [("", "<|endoftext|>"), ("_2", "!")] : [("", kind == "sd2" ? "!" : "<|endoftext|>")]
    {
      try write("text_encoder\(suffix)", Self.weights("\(kind)/text_encoder\(suffix)"), "model")
      let source = Checkout.path("Tests/Goldens/large/tokenizer")
      try FileManager.default.copyItem(atPath: source, toPath: "\(path)/tokenizer\(suffix)")
      try json(["pad_token": pad], "\(path)/tokenizer\(suffix)/tokenizer_config.json")
    }
    try FileManager.default.createDirectory(atPath: "\(path)/scheduler", withIntermediateDirectories: true)
    try json(configs["scheduler"]!, "\(path)/scheduler/scheduler_config.json")
    try json(["_class_name": "StableDiffusionPipeline"], "\(path)/model_index.json")
  }

  public func json(_ values: [String: Any], _ path: String) throws {
    try JSONSerialization.data(withJSONObject: values).write(to: URL(fileURLWithPath: path))
  }

  /// The tensors of a single file.
  public static func single(_ kind: String) -> [String: Tensor] {
    let parts = (files[kind] as! [String: Any])["single"] as! [String: [[Any]]]
    var tensors: [String: Tensor] = [:]
    for (prefix, rows) in parts {
      let network =
        switch prefix {
        case "control_model.": "sd1/controlnet"
        case "model.diffusion_model.": "\(kind)/unet"
        case "first_stage_model.": "\(kind == "sd2" ? "sd1" : kind)/vae"
        case "conditioner.embedders.1.model.": "xl/text_encoder_2"
        default: "\(kind)/text_encoder"
        }
      let weights = network.hasSuffix("vae") ? Self.weights(network).renamed(kind) : Self.weights(network)
      for row in rows {
        let found = (row[1] as! [String]).map { weights[$0]! }
        tensors[prefix + (row[0] as! String)] =
          switch row[2] as! String {
          case "stack": Tensor.concatenated(found)
          case "T": found[0].T.contiguous()
          case "conv": found[0].unsqueezed(-1).unsqueezed(-1)
          default: found[0]
          }
      }
    }
    // What published files of 2.x have beyond: the last layer, which is skipped.
    if kind == "sd2" {
      for (name, tensor) in tensors where name.contains("resblocks.2.") {
        tensors[name.replacing("resblocks.2.", with: "resblocks.3.")] = tensor
      }
    }
    return tensors
  }

  public func file(_ kind: String, _ name: String, _ change: (inout [String: Tensor]) -> Void = { _ in }) throws
    -> String
  {
    var tensors = Self.single(kind)
    change(&tensors)
    let path = folder.path(name)
    try Safetensors.write(tensors, to: path)
    return path
  }
}

extension [String: Tensor] {
  /// The autoencoder of SD 2.x has the same shapes as that of 1.x, with its own weights.
  fileprivate func renamed(_ kind: String) -> [String: Tensor] {
    guard kind == "sd2" else { return self }
    return Dictionary(uniqueKeysWithValues: map { ($0.key, SmallModels.drawn("sd2/vae/\($0.key)", $0.value.shape)) })
  }
}

/// CRC-32 of a text's UTF-8, as zlib's.
private func crc32(_ text: String) -> UInt32 {
  var sum = ~UInt32(0)
  for byte in Array(text.utf8) {
    sum ^= UInt32(byte)
    for _ in 0..<8 { sum = sum >> 1 ^ (sum & 1 == 1 ? 0xEDB8_8320 : 0) }
  }
  return ~sum
}
