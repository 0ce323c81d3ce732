import ArgumentParser
import struct Torch.Device
import struct Torch.PictureSize
import Workshop

/// Options of every verb.
struct Common: ParsableArguments {
  @Flag(help: "Write events as JSON, one object a line, and nothing else on standard output.")
  var json = false

  @Option(
    help: ArgumentHelp(
      "The folder of runs, models and packed data sets. (default: ATELIER_WORKSPACE, or ~/Atelier)", valueName: "dir"))
  var workspace: String?

  func teller(stops: Teller.Stops = .never) -> Teller { Teller(Console(json: json), stops: stops) }
  var place: Workspace { Workspace(workspace) }
}

/// The compute device.
struct DeviceOption: ParsableArguments {
  @Option(help: ArgumentHelp("Compute device: auto, cpu, cuda, cuda:1 or mps.", valueName: "name"))
  var device = "auto"

  func resolved() throws -> Device { try Device(named: device) }
}

/// How a generator samples.
struct SamplingArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "For a diffusion model, the sampler and its steps: heun:40, solver:20, or quick:4 (1, 2 or 4).",
      valueName: "how:n"))
  var sampling: String?

  @Option(
    name: .customLong("class"),
    help: ArgumentHelp("The class to generate, for a generator trained on classes.", valueName: "name"))
  var className: String?

  @Option(
    help: ArgumentHelp(
      "Classifier-free guidance towards --class: 1 as learned, 2 to 4 for clearer pictures.", valueName: "x"))
  var guidance: Double?

  var value: SamplingOptions {
    var options = SamplingOptions()
    (options.sampling, options.className, options.guidance) = (sampling, className, guidance)
    return options
  }
}

/// Whether what a generator makes is enlarged before it is written.
struct EnlargingOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("Super-resolution: enlarge every picture 2 or 4 times before it is written.", valueName: "n"))
  var enlarge: Int?

  @Option(
    help: ArgumentHelp(
      "The network of --enlarge, one that `enlarge --model` takes. (default: realesrgan-drawing, or -photo, by how the pictures look)",
      valueName: "name"))
  var enlargeModel: String?

  func validate() throws {
    if enlarge == nil { try refuse([("enlarge-model", enlargeModel != nil)], "without --enlarge, whose network it is") }
  }

  func settings() throws -> EnlargeSettings? {
    try enlarge.map { try EnlargeSettings(generated: $0, model: enlargeModel) }
  }
}

/// How masks are laid on pictures.
struct MaskOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A mask of another shape than the picture: stretch it, crop it about its middle, or fit all of it inside. "
        + "(default: it is refused)", valueName: "how"))
  var maskFit: MaskFit?
}

extension MaskFit: ExpressibleByArgument {}

/// How a picture is written.
struct OutputOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Quality of a JPEG, WebP or AVIF, 1 to 100; a WebP of 100 is lossless. (default: 95, 90, 80)", valueName: "n"))
  var quality: Int?
}

/// An option with a default, and whether it was given: what a verb can't honour is refused, never ignored.
struct Asked<Value: ExpressibleByArgument>: ExpressibleByArgument {
  let value: Value
  let isGiven: Bool

  init(_ standard: Value) { (value, isGiven) = (standard, false) }
  init?(argument: String) {
    guard let value = Value(argument: argument) else { return nil }
    (self.value, isGiven) = (value, true)
  }

  /// nil when it was left out.
  var given: Value? { isGiven ? value : nil }

  var defaultValueDescription: String { value.defaultValueDescription }
  static var allValueStrings: [String] { Value.allValueStrings }
  static var allValueDescriptions: [String: String] { Value.allValueDescriptions }
  static var defaultCompletionKind: CompletionKind { Value.defaultCompletionKind }
}

/// Refuses sizes of pictures that nobody has.
///
/// - Parameter option: without hyphens.
func check(_ size: PictureSize?, option: String = "size") throws {
  guard let size, size.shorter < 1 || size.longer > 4096 else { return }
  throw ValidationError("--\(option) must be 1 to 4096 pixels.")
}

extension PictureSize: ExpressibleByArgument {
  /// A side that is far too long is taken for 65,536, which every verb refuses with its own limit.
  public init?(argument: String) {
    let sides = argument.lowercased().split(separator: "x", omittingEmptySubsequences: false)
    let isLong = sides.map {
      $0.count > 4 && $0.allSatisfy { ("0"..."9").contains($0) } && (Int($0) ?? 65_536) >= 65_536
    }
    self.init(zip(sides, isLong).map { $1 ? "65536" : String($0) }.joined(separator: "x"))
  }
}

/// Refuses options that would be taken and ignored.
///
/// - Parameters:
///   - options: names without hyphens, and whether each was given.
///   - why: the sentence's middle, such as "with --preview, which writes a sheet".
func refuse(_ options: [(name: String, isGiven: Bool)], _ why: String) throws {
  let given = options.filter(\.isGiven).map { "--\($0.name)" }
  guard let last = given.last else { return }
  let names = given.count == 1 ? last : "\(given.dropLast().joined(separator: ", ")) and \(last)"
  throw ValidationError(
    "\(names) would change nothing \(why): leave \(given.count == 1 ? "it" : "them") out.")
}
