import Catalogue
import Files
import Foundation
import Jobs

/// The form of a verb, made from the command line's own description.
extension Screens {
  /// What an artist sees first; the rest is one click away.
  private static let first: [String: [String]] = [
    "train": ["pictures", "recipe", "minutes", "size"],
    "generate": ["run", "prompt", "negative", "seeds", "truncation", "class"],
    "restyle": ["content", "style", "with", "prompt", "strength", "size"],
    "film": ["run", "prompt", "seeds", "seconds", "sound"],
    "enlarge": ["pictures", "scale", "model", "with", "prompt"],
    "fill": ["picture", "mask", "extend", "with", "prompt", "seeds"],
    "vary": ["picture", "with", "prompt", "seeds", "strength"],
  ]
  /// What only models that draw by words take, and what only other generators do: the form shows what fits the one that is chosen.
  private static let byWords: Set = [
    "again", "prompt", "prompts", "negative", "sampler", "schedule", "lora", "clip-skip", "guidance-rescale",
    "prediction", "memory", "canvas", "begin", "extend",
  ]
  private static let bySeeds: Set = [
    "truncation", "slide", "mix", "mix-at", "each-class", "map", "interpolate", "class", "sampling",
  ]

  static func form(_ name: String, _ place: String, _ call: Call) async throws -> String {
    let command = try await call.studio.description.command(name)
    let things = try Things(call)
    var given: [String: [String]] = [:]
    var isAgain = false
    if let picture = call.query("again") {
      guard isCatalogueID(picture) else { throw CallError.unknown("picture of that name") }
      // Exactly what made it: nothing else is filled in.
      given = try await call.studio.again(picture).values
      isAgain = true
    } else {
      for (key, value) in call.request.uri.queryParameters { given[String(key), default: []].append(String(value)) }
      if name == "generate" && given["seeds"] == nil { given["seeds"] = ["0-15"] }
      if name == "train" && given["minutes"] == nil && given["pictures-seen"] == nil { given["minutes"] = ["20"] }
    }
    let recipes = name == "train" ? try await call.studio.description.recipes() : []
    let names = first[name] ?? command.options.filter { $0.kind == .positional || !$0.isOptional }.map(\.name)
    let shown = command.options.filter {
      ![.hidden, .output].contains($0.role) && $0.name != "set" && $0.name != "device"
    }
    let fields = shown.map { option in
      var values = field(option, given[option.name] ?? [], things, recipes, call)
      // There, what paints or enlarges without words keeps to it as well.
      if option.name == "memory", ["restyle", "enlarge"].contains(name) { values["group"] = nil }
      return (option.name, values)
    }
    let makers = name == "generate" ? try await generators(call, nil).compactMap { $0["value"] as? String } : []
    return try call.studio.pages.page(
      "form", place,
      [
        "title": title(of: name, call), "name": name, "abstract": command.abstract, "isTraining": name == "train",
        "hasMap": name == "generate", "makers": JSON.list(makers.map { .string($0) }).text,
        "isAgain": isAgain,
        "first": names.compactMap { name in fields.first { $0.0 == name }?.1 },
        "rest": fields.filter { !names.contains($0.0) }.map(\.1),
        "hasRest": fields.count > names.count, "recipe": given["recipe"]?.first ?? "",
        "settings": given.filter { $0.key.hasPrefix("set.") }.map { ["name": $0.key, "value": $0.value.first ?? ""] },
      ], call)
  }

  private static func field(
    _ option: CommandOption, _ given: [String], _ things: Things, _ recipes: [JSON], _ call: Call
  ) -> [String: Any] {
    let pages = call.studio.pages
    let label =
      pages.has("option.\(option.name)")
      ? pages.word("option.\(option.name)", call.language) : option.name.replacing("-", with: " ")
    var values: [String: Any] = [
      "name": option.name, "label": label, "help": option.abstract, "value": given.first ?? "",

      "isRequired": !option.isOptional, "isRepeating": option.isRepeating, "isFlag": option.role == .flag,
      "isOn": given.first == "true",
    ]
    if let group = byWords.contains(option.name) ? "words" : bySeeds.contains(option.name) ? "seeds" : nil {
      values["group"] = group
    }
    if let standard = option.standard { values["placeholder"] = standard }
    func choices(_ all: [(value: String, label: String)]) {
      values["isChoice"] = true
      values["choices"] = all.map {
        [
          "value": $0.value, "label": $0.label, "isHere": given.contains($0.value),
          "drawsByWords": things.byWords.contains($0.value),
        ] as [String: Any]
      }
    }
    switch option.role {
    case .choice: choices(option.values.map { ($0, $0) })
    case .pictures: choices(things.sets + things.pictures)
    case .picture, .media: choices(things.pictures)
    case .adapter: choices(things.adapters)
    case .generator where option.name == "base":
      choices((things.runs + things.models).filter { things.byWords.contains($0.value) })
    case .generator:
      // One of a run's checkpoints, where a page has named it.
      let named = given.filter { $0.hasPrefix("checkpoint:") }.map {
        ($0, call.studio.pages.word("form.checkpoint", call.language))
      }
      choices(named + things.runs + things.models)
    case .network: choices(things.models)
    case .upload where option.name == "timeline": choices(things.timelines)
    case .upload: choices([])
    default:
      if option.name == "recipe", !recipes.isEmpty {
        choices(
          recipes.compactMap { recipe in
            recipe["name"]?.string.map { ($0, "\($0): \(recipe["summary"]?.string ?? "")") }
          })
        values["isRecipe"] = true
      }
    }
    values["takesFile"] =
      [.pictures, .picture, .media, .upload].contains(option.role) && option.name != "timeline"
    values["isText"] = values["isChoice"] == nil && option.role != .flag
    return values
  }

  /// The settings of a recipe, as a part of the form.
  static func recipe(_ call: Call) async throws -> String {
    guard let name = call.query("recipe"), name.utf8.allSatisfy({ (97...122).contains($0) || (48...57).contains($0) })
    else { return "" }
    let settings = try await call.studio.description.recipes(name).first?["settings"]?.list ?? []
    let given = call.request.uri.queryParameters
    let values = settings.compactMap { setting -> [String: Any]? in
      guard let key = setting["name"]?.string else { return nil }
      return [
        "name": key, "note": setting["note"]?.string ?? "", "standard": setting["value"]?.string ?? "",
        "value": given["set.\(key)"].map { String($0) } ?? "",
      ]
    }
    return try call.studio.pages.part("recipe", ["settings": values], call.language)
  }
}

/// What a form's lists offer.
struct Things {
  var sets: [(value: String, label: String)]
  var runs: [(value: String, label: String)]
  var models: [(value: String, label: String)]
  var pictures: [(value: String, label: String)]
  var timelines: [(value: String, label: String)]
  /// Runs that taught a large model.
  var adapters: [(value: String, label: String)]
  /// Of runs and models those that draw by words.
  var byWords: Set<String>

  init(_ call: Call) throws {
    let catalogue = call.studio.catalogue, pages = call.studio.pages
    sets = try catalogue.sets().map { ("set:\($0.id)", "\($0.name) (\($0.pictures))") }
    let all = try (runs: catalogue.runs(), models: catalogue.models())
    runs = all.runs.filter { $0.recipe != "lora" }.map { ("run:\($0.id)", "\($0.name) · \($0.recipe)") }
    models = all.models.map { ("model:\($0.id)", "\($0.name) · \($0.recipe)") }
    adapters = all.runs.filter { $0.recipe == "lora" }.map { ("run:\($0.id)", $0.name) }
    byWords = Set(
      all.runs.filter { $0.recipe == "words" }.map { "run:\($0.id)" }
        + all.models.filter { $0.isAdded || $0.recipe == "words" }.map { "model:\($0.id)" })
    timelines = Timelines.all(call.studio.configuration.workspace).map {
      ("timeline:\($0.id)", [$0.name, $0.generator].compactMap(\.self).joined(separator: " · "))
    }
    var query = PictureQuery()
    query.areFavourites = true
    let favourites = try catalogue.pictures(query).pictures
    query = PictureQuery()
    query.limit = 50
    let newest = try catalogue.pictures(query).pictures.filter { new in
      !favourites.contains { $0.picture.id == new.picture.id }
    }
    let star = pages.word("favourite", call.language)
    pictures =
      favourites.map { ("picture:\($0.picture.id)", "★ \(Things.name($0)) (\(star))") }
      + newest.map { ("picture:\($0.picture.id)", Things.name($0)) }
  }

  private static func name(_ view: PictureView) -> String { (view.picture.path as NSString).lastPathComponent }
}
