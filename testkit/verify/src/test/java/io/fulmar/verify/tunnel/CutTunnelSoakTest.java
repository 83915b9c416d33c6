package io.fulmar.verify.tunnel;

import io.fulmar.verify.fixture.BothSshServers;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;

/** {@link CutTunnelTest} against both servers, with as many cuts of the reverse tunnel. */
@Tag("soak")
@BothSshServers
@DisplayName("P1, P2: a tunnel that is cut loses nothing, whatever the server")
class CutTunnelSoakTest extends CutTunnelTest {
  @Override
  int reverseCuts() {
    return 20;
  }
}
