package io.fulmar.verify.architecture;

import static java.util.stream.Collectors.joining;
import static java.util.stream.Collectors.toCollection;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * Each fault of {@code faults.txt} is named by a test, in the name that it shows, or by the table
 * in the package documentation of the testkit, which says why no test can have it.
 */
@DisplayName("every fault has a test")
class FaultsTest {
  private static final Path ROOT = ArchitectureTest.root();
  private static final String ID = "[A-Z]-\\d\\d";

  /** What tests show as their names: the arguments of two annotations. */
  private static final Pattern SHOWN =
      Pattern.compile(
          "@(?:DisplayName|ParameterizedTest|Nested)\\((?:name\\s*=)?((?:\\s*\\+?\\s*\"(?:[^\"\\\\]|\\\\.)*\")+)");

  private static final Pattern RANGE =
      Pattern.compile("\\b([A-Z])-(\\d\\d) to (?:[A-Z]-)?(\\d\\d)\\b");
  private static final Pattern ONE = Pattern.compile("\\b" + ID + "\\b");

  private static SortedMap<String, String> faults() throws IOException {
    SortedMap<String, String> faults = new TreeMap<>();
    Path list =
        ROOT.resolve("testkit/verify/src/test/resources/io/fulmar/verify/architecture/faults.txt");
    for (String line : Files.readAllLines(list)) {
      if (!line.isBlank() && !line.startsWith("#")) {
        faults.put(line.substring(0, 4), line.substring(5));
      }
    }
    return faults;
  }

  private static String sourcesOfTests() throws IOException {
    StringBuilder all = new StringBuilder();
    for (String module : List.of("core", "lightning", "tunnel", "testkit/verify")) {
      Path tests = ROOT.resolve(module).resolve("src/test/java");
      if (Files.exists(tests)) {
        try (Stream<Path> files = Files.walk(tests)) {
          for (Path file : files.filter(path -> path.toString().endsWith(".java")).toList()) {
            all.append(Files.readString(file));
          }
        }
      }
    }
    return all.toString();
  }

  /** The ids in texts, those within a range such as "B-01 to B-04" as well. */
  private static SortedSet<String> ids(String shown) {
    SortedSet<String> ids =
        ONE.matcher(shown).results().map(MatchResult::group).collect(toCollection(TreeSet::new));
    Matcher range = RANGE.matcher(shown);
    while (range.find()) {
      String group = range.group(1);
      IntStream.rangeClosed(Integer.parseInt(range.group(2)), Integer.parseInt(range.group(3)))
          .mapToObj(number -> String.format(Locale.ROOT, "%s-%02d", group, number))
          .forEach(ids::add);
    }
    return ids;
  }

  private static SortedSet<String> tested() throws IOException {
    return ids(
        SHOWN
            .matcher(sourcesOfTests())
            .results()
            .map(name -> name.group(1))
            .collect(joining("\n")));
  }

  /** The ids in the table of the package documentation. */
  private static SortedSet<String> excepted() throws IOException {
    String documentation =
        Files.readString(ROOT.resolve("testkit/src/main/java/io/fulmar/testkit/package-info.java"));
    return Pattern.compile("<tr><td>(" + ID + ")<td>\\w+")
        .matcher(documentation)
        .results()
        .map(row -> row.group(1))
        .collect(toCollection(TreeSet::new));
  }

  @Test
  void everyFaultIsNamedByATestOrSaidNotToApply() throws IOException {
    SortedMap<String, String> missing = faults();
    assertThat(missing).hasSize(135);
    missing.keySet().removeAll(tested());
    assertThat(missing.keySet()).isEqualTo(excepted());
  }

  @Test
  void noTestNamesAFaultThatIsNotThere() throws IOException {
    SortedSet<String> unknown = tested();
    unknown.removeAll(faults().keySet());
    assertThat(unknown).isEmpty();
  }

  @Test
  void rangesAndNamesOfSeveralPartsAreRead() {
    assertThat(ids("B-01 to B-03, T-17")).containsExactly("B-01", "B-02", "B-03", "T-17");
    assertThat(SHOWN.matcher("@DisplayName(\n  \"A-01: \\\"x\\\", \"\n + \"B-02\")").results())
        .singleElement()
        .satisfies(name -> assertThat(ids(name.group(1))).containsExactly("A-01", "B-02"));
  }
}
