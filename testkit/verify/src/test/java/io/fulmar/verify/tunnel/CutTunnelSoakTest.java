package io.fulmar.verify.tunnel;

import io.fulmar.verify.fixture.SshServerUnderTest;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** {@link CutTunnelTest} against both servers, with as many cuts of the reverse tunnel. */
@Tag("soak")
@ParameterizedClass(name = "{0}")
@EnumSource(SshServerUnderTest.class)
@DisplayName("P1, P2: a tunnel that is cut loses nothing, whatever the server")
class CutTunnelSoakTest extends CutTunnelTest {
  CutTunnelSoakTest(SshServerUnderTest server) {
    kind = server;
  }

  @Override
  int reverseCuts() {
    return 20;
  }
}
