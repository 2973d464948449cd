//! `session.layouts`: what is drawn on the display of the simulated glasses.

use std::time::Duration;

use bifocal_sdk::wire::{Layout, View};
use bifocal_sdk::{Bitmap, Show};

use super::stage::Stage;

pub(super) async fn rows(x: &Stage) {
    let (module, layouts) = (x.module("session.layouts"), x.session.layouts());
    module.sent("showTextWall", x.shows(layouts.show_text_wall("a wall"), "main", "a wall")).await;
    let double = layouts.show_double_text_wall("top", "bottom");
    module.sent("showDoubleTextWall", x.shows(double, "main", "top | bottom")).await;
    let card = layouts.show_reference_card("title", "text");
    module.sent("showReferenceCard", x.shows(card, "main", "title | text")).await;
    // Its place is the dashboard, which only the system dashboard may draw on.
    let systems = x.dashboard.layouts();
    let card = systems.show_dashboard_card("left", "right");
    module.sent("showDashboardCard", x.shows(card, "dashboard", "left | right")).await;
    let layout = Layout::DashboardCard { left_text: "main left".to_owned(), right_text: "main right".to_owned() };
    let card = layouts.show(layout, Show { view: View::Main, ..Show::default() });
    let shown = x.shows(card, "main", "main left | main right");
    module.sent("showDashboardCard(…, {view: \"main\"})", shown).await;
    let bitmap = Bitmap::new(576, 135);
    module.sent("showBitmapView", x.shows(layouts.show_bitmap(&bitmap), "main", "picture 576×135")).await;

    let frames = [Bitmap::new(8, 8), Bitmap::new(16, 8)];
    let mut animation = None;
    module
        .sent("showBitmapAnimation", async {
            let starts = async {
                let interval = Duration::from_millis(500);
                animation = Some(layouts.show_bitmap_animation(&frames, interval, true).await?);
                Ok(())
            };
            x.shows(starts, "main", "picture 8×8").await?;
            let again = x.ann.mark();
            x.ann.sees(again, "display", |event| event["text"] == "picture 16×8").await
        })
        .await;
    module
        .sent("showBitmapAnimation().stop", async {
            let animation = animation.take().ok_or("there is no animation")?;
            x.shows(animation.stop(), "main", "").await
        })
        .await;
    module
        .sent("clearView", async {
            x.shows(layouts.show_text_wall("soon gone"), "main", "soon gone").await?;
            x.shows(layouts.clear(), "main", "").await
        })
        .await;
}
