import Foundation

extension Event {
  /// What came out of a verb.
  ///
  /// On the wire its fields stand beside `verb`, and beside `kind` where a verb has results of several kinds.
  public enum Result: Sendable, Equatable {
    case demo(Demonstrated)
    case inspect(Inspection)
    case train(Trained)
    case generate(Generated)
    case restyle(Restyled)
    case restyleClip(RestyledClip)
    case enlarge(FilesMade)
    case vary(FilesMade)
    case texture(FilesMade)
    case fill(FilesMade)
    case film(Filmed)
    case animate(Animated)
    case inbetween(Inbetweened)
    case measure(Measurement)
    case measureStyle(StyleMeasurement)
    case measureMotion(MotionMeasurement)
    case measureFilms(FilmsMeasurement)
    case measureClip(ClipMeasurement)
    case compare(Compared)
    case project(ProjectedSet)
    case sliders(FoundSliders)
    case reconstruct(Reconstructed)
    case attribute(Attributed)
    case modelsList(ModelCount)
    case modelsInstall(InstalledModel)
    case modelsImport(ImportedModel)
    case modelsExport(ExportedModel)
    case modelsInspect(LargeInspection)
    case modelsAdd(RegisteredModel)
    case recipes(RecipeCount)
  }
}

extension Event.Result {
  /// Every verb as it is typed, with the kinds of its results; none where there is only one.
  public static let verbs: [(verb: String, kinds: [String])] = [
    ("demo", []), ("inspect", []), ("train", []), ("generate", []), ("restyle", ["picture", "film"]), ("enlarge", []),
    ("vary", []), ("texture", []), ("fill", []), ("film", []), ("animate", []), ("inbetween", []),
    ("measure", ["pictures", "style", "motion", "films", "film"]), ("compare", []), ("project", []), ("sliders", []),
    ("reconstruct", []), ("attribute", []), ("models list", []), ("models install", []), ("models import", []),
    ("models export", []), ("models inspect", []), ("models add", []), ("recipes", []),
  ]

  /// Whether the verb was stopped before its end.
  public var isStopped: Bool {
    switch self {
    case .demo(let made): made.isStopped
    case .train(let trained): trained.ending == .stopped
    case .restyle(let made): made.isStopped
    case .restyleClip(let made): made.isStopped
    case .enlarge(let made), .vary(let made), .texture(let made), .fill(let made): made.isStopped
    case .generate(let made): made.isStopped
    case .film(let made): made.isStopped
    case .animate(let made): made.isStopped
    case .inbetween(let made): made.isStopped
    case .project(let found): found.isStopped
    default: false
    }
  }

  private var parts: (verb: String, kind: String?, value: any Encodable) {
    switch self {
    case .demo(let made): ("demo", nil, made)
    case .inspect(let found): ("inspect", nil, found)
    case .train(let trained): ("train", nil, trained)
    case .generate(let made): ("generate", nil, made)
    case .restyle(let made): ("restyle", "picture", made)
    case .restyleClip(let made): ("restyle", "film", made)
    case .enlarge(let made): ("enlarge", nil, made)
    case .vary(let made): ("vary", nil, made)
    case .texture(let made): ("texture", nil, made)
    case .fill(let made): ("fill", nil, made)
    case .film(let made): ("film", nil, made)
    case .animate(let made): ("animate", nil, made)
    case .inbetween(let made): ("inbetween", nil, made)
    case .measure(let found): ("measure", "pictures", found)
    case .measureStyle(let found): ("measure", "style", found)
    case .measureMotion(let found): ("measure", "motion", found)
    case .measureFilms(let found): ("measure", "films", found)
    case .measureClip(let found): ("measure", "film", found)
    case .compare(let found): ("compare", nil, found)
    case .project(let found): ("project", nil, found)
    case .sliders(let found): ("sliders", nil, found)
    case .reconstruct(let found): ("reconstruct", nil, found)
    case .attribute(let made): ("attribute", nil, made)
    case .modelsList(let found): ("models list", nil, found)
    case .modelsInstall(let model): ("models install", nil, model)
    case .modelsImport(let model): ("models import", nil, model)
    case .modelsExport(let model): ("models export", nil, model)
    case .modelsInspect(let found): ("models inspect", nil, found)
    case .modelsAdd(let model): ("models add", nil, model)
    case .recipes(let found): ("recipes", nil, found)
    }
  }
}

extension Event.Result: Codable {
  private enum CodingKeys: String, CodingKey { case verb, kind }

  public func encode(to encoder: any Encoder) throws {
    let parts = parts
    var fields = encoder.container(keyedBy: CodingKeys.self)
    try fields.encode(parts.verb, forKey: .verb)
    try fields.encodeIfPresent(parts.kind, forKey: .kind)
    try parts.value.encode(to: encoder)
  }

  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    let verb = try fields.decode(String.self, forKey: .verb)
    let kind = try fields.decodeIfPresent(String.self, forKey: .kind)
    func value<Value: Decodable>() throws -> Value { try Value(from: decoder) }
    switch (verb, kind) {
    case ("demo", nil): self = .demo(try value())
    case ("inspect", nil): self = .inspect(try value())
    case ("train", nil): self = .train(try value())
    case ("generate", nil): self = .generate(try value())
    case ("restyle", "picture"): self = .restyle(try value())
    case ("restyle", "film"): self = .restyleClip(try value())
    case ("enlarge", nil): self = .enlarge(try value())
    case ("vary", nil): self = .vary(try value())
    case ("texture", nil): self = .texture(try value())
    case ("fill", nil): self = .fill(try value())
    case ("film", nil): self = .film(try value())
    case ("animate", nil): self = .animate(try value())
    case ("inbetween", nil): self = .inbetween(try value())
    case ("measure", "pictures"): self = .measure(try value())
    case ("measure", "style"): self = .measureStyle(try value())
    case ("measure", "motion"): self = .measureMotion(try value())
    case ("measure", "films"): self = .measureFilms(try value())
    case ("measure", "film"): self = .measureClip(try value())
    case ("compare", nil): self = .compare(try value())
    case ("project", nil): self = .project(try value())
    case ("sliders", nil): self = .sliders(try value())
    case ("reconstruct", nil): self = .reconstruct(try value())
    case ("attribute", nil): self = .attribute(try value())
    case ("models list", nil): self = .modelsList(try value())
    case ("models install", nil): self = .modelsInstall(try value())
    case ("models import", nil): self = .modelsImport(try value())
    case ("models export", nil): self = .modelsExport(try value())
    case ("models inspect", nil): self = .modelsInspect(try value())
    case ("models add", nil): self = .modelsAdd(try value())
    case ("recipes", nil): self = .recipes(try value())
    default:
      throw DecodingError.dataCorruptedError(
        forKey: .verb, in: fields, debugDescription: "no verb \(verb) has a result of the kind \(kind ?? "nil")")
    }
  }
}
