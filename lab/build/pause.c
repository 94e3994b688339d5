/* The first process of every pod: it keeps the pod's namespaces open, collects the pod's orphans
 * where the process namespace is shared, and ends when it is told to. */
#include <signal.h>
#include <sys/wait.h>

int main(void) {
  sigset_t awaited;
  int number;

  sigemptyset(&awaited);
  sigaddset(&awaited, SIGINT);
  sigaddset(&awaited, SIGTERM);
  sigaddset(&awaited, SIGCHLD);
  sigprocmask(SIG_BLOCK, &awaited, 0);
  for (;;) {
    if (sigwait(&awaited, &number) != 0) continue;
    if (number != SIGCHLD) return 0;
    while (waitpid(-1, 0, WNOHANG) > 0) {
    }
  }
}
