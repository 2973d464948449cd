//! Every SDK that npm still serves through one life: started, cut, killed, left alone, stopped, started again. Each step must go
//! as well as that SDK allows. The table of what happened is printed (`--nocapture`), and with every failure.

mod common;
#[path = "common/life.rs"]
mod life;
#[path = "common/node.rs"]
mod node;
#[path = "common/proxy.rs"]
mod proxy;
#[path = "common/story.rs"]
mod story;
#[path = "common/table.rs"]
mod table;

use std::panic::{AssertUnwindSafe, catch_unwind};

use life::Life;
use node::{Runtime, Stack};
use story::story;
use table::{Row, print};

const STACKS: [Stack; 6] = [
    Stack { name: "2.1.28", sdk: "sdk-2.1.28", file: "app.mjs", runtime: Runtime::Node },
    Stack { name: "2.1.29", sdk: "@mentra/sdk", file: "app.mjs", runtime: Runtime::Node },
    Stack { name: "2.1.31-beta.5", sdk: "sdk-2.1.31-beta.5", file: "app.mjs", runtime: Runtime::Node },
    Stack { name: "3.0.0-hono.8", sdk: "sdk-3.0.0-hono.8", file: "app.mjs", runtime: Runtime::Bun },
    Stack { name: "3.0.0-alpha.4 AppServer", sdk: "sdk-3.0.0-alpha.4", file: "app.mjs", runtime: Runtime::Bun },
    Stack {
        name: "3.0.0-alpha.4 MiniAppServer",
        sdk: "sdk-3.0.0-alpha.4",
        file: "mini-app.mjs",
        runtime: Runtime::Bun,
    },
];

const STEPS: [Step; 7] = [Step::Start, Step::Use, Step::CutLong, Step::Kill, Step::CutShort, Step::Away, Step::Stop];

/// What they are is told by the functions of [`Life`].
#[derive(Debug, Clone, Copy)]
enum Step {
    Start,
    Use,
    CutLong,
    Kill,
    CutShort,
    Away,
    Stop,
}

impl Step {
    fn title(self) -> &'static str {
        match self {
            Step::Start => "start",
            Step::Use => "press, say",
            Step::CutShort => "cut 1 s",
            Step::CutLong => "cut 10 s",
            Step::Kill => "killed",
            Step::Away => "glasses away",
            Step::Stop => "stop, start",
        }
    }

    /// The best that can happen, in the words of [`story`].
    fn wanted(self, stack: &Stack) -> &'static str {
        // These two forget a session whenever its socket closes, even when it comes back: their `onStop` then finds nothing to
        // disconnect. Every attempt to come back reports its own end, and the socket of a stopped app is left to the cloud.
        let forgets = matches!(stack.name, "2.1.28" | "2.1.31-beta.5");
        let mini = stack.file == "mini-app.mjs";
        match self {
            Step::Start | Step::Kill => "onSession",
            Step::Use | Step::Away => "undisturbed",
            Step::CutShort => "lost, back",
            Step::CutLong if mini => "lost, onStop (Maximum reconnection attempts exceeded), onSession",
            Step::CutLong if forgets => {
                "lost, onStop (Connection permanently lost: Maximum reconnection attempts exceeded) ×4, onSession"
            }
            Step::CutLong => {
                "lost, onStop (Connection permanently lost: Maximum reconnection attempts exceeded), onSession"
            }
            Step::Stop if mini || forgets => "onStop (user_disabled), closed 1000, onSession",
            Step::Stop => "onStop (user_disabled), onSession",
        }
    }
}

/// What this SDK is sent and does not know. Nothing on the wire tells it from its successors, which have use for the message.
fn newer(stack: &Stack) -> Option<&'static str> {
    (stack.name == "2.1.28").then_some("device_state_update")
}

/// A whole life, on a runtime of its own because waiting for an app blocks. What goes wrong ends it.
fn live(stack: Stack) -> Row {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let mut row = Row::new(stack.name);
    let mut life = match outcome(|| runtime.block_on(Life::begin(stack))) {
        Ok(life) => life,
        Err(error) => return row.failed(error),
    };
    for step in STEPS {
        let taken = outcome(|| {
            runtime.block_on(take(&mut life, step));
            story(&life.noticed(), newer(&stack))
        });
        match taken {
            Ok(story) => row.add(story, step.wanted(&stack)),
            Err(error) => return row.failed(error),
        }
    }
    row
}

async fn take(life: &mut Life, step: Step) {
    match step {
        Step::Start => life.start().await,
        Step::Use => life.press_and_say().await,
        Step::CutLong => life.cut_long().await,
        Step::Kill => life.kill().await,
        Step::CutShort => life.cut_short().await,
        Step::Away => life.away().await,
        Step::Stop => life.stop_and_start().await,
    }
}

/// What this gives, or the message of its panic.
fn outcome<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|panic| match panic.downcast::<String>() {
        Ok(message) => *message,
        Err(panic) => panic.downcast::<&str>().map_or_else(|_| "a panic".to_owned(), |message| (*message).to_owned()),
    })
}

#[test]
fn every_sdk_lives_as_well_as_it_can() {
    let rows: Vec<Row> = std::thread::scope(|scope| {
        let lives: Vec<_> = STACKS.map(|stack| scope.spawn(move || live(stack))).into_iter().collect();
        lives.into_iter().map(|life| life.join().expect("a life")).collect()
    });
    print(&STEPS.map(Step::title), &rows);
    let wrong: Vec<String> = rows.iter().flat_map(|row| row.wrong(&STEPS.map(Step::title))).collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
